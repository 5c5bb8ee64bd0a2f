-- What Quarto changes in raw HTML unless it is told not to: it gives headings a link of their own, and takes tables
-- apart.

-- Elements that hold text, whatever it looks like.
local TEXT = pandoc.List { "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes" }

-- Where the tag ends whose name ends before `at`: at a > outside of its attributes' values.
local function end_of(html, at)
  while true do
    local stop = html:find("[>\"']", at)
    if not stop then return #html end
    local sign = html:sub(stop, stop)
    if sign == ">" then return stop end
    -- a quote begins a value behind `=` only
    local quoted = html:sub(at, stop - 1):match("=%s*$")
    local closing = quoted and html:find(sign, stop + 1, true)
    if quoted and not closing then return #html end
    at = (closing or stop) + 1
  end
end

-- The first tag that would be changed, with the attribute that it lacks and what is done to it; nil if there is none.
local function changed(html)
  local lower, at = html:lower(), 1
  if not lower:find("<h[2-6]") and not lower:find("<table", 1, true) then return nil end
  while true do
    at = lower:find("<[%a!]", at)
    if not at then return nil end
    if lower:sub(at, at + 3) == "<!--" then
      local _, closed = lower:find("%-%->", at + 4)
      at = (closed or #lower) + 1
    elseif lower:sub(at + 1, at + 1) == "!" then
      at = at + 2
    else
      local name = lower:match("^%a[^%s/>]*", at + 1)
      local stop = end_of(lower, at + 1 + #name)
      local attributes = lower:sub(at + 1 + #name, stop)
      local tag = { name = html:sub(at + 1, at + #name), text = html:sub(at, stop) }
      if name:match("^h[2-6]$") and not attributes:find("%f[%w_]no%-anchor%f[^%w_]") then
        return tag, 'class="no-anchor"', "gives it a link of its own"
      elseif name == "table" and not attributes:find("%f[%w_]data%-quarto%-disable%-processing%f[^%w_]") then
        return tag, 'data-quarto-disable-processing="true"', "takes it apart"
      end
      at = stop + 1
      if TEXT:includes(name) then at = lower:find("</" .. name .. "%f[^%w]", at) or #lower + 1 end
    end
  end
end

return { changed = changed }
