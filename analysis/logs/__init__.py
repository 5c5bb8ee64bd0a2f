"""Research logs in Markdown or plain text, compiled into questions, next steps and learnings.

In order of processing:

    files       finds and decodes logs, follows no link out of the folder      encodings   the text of a file's bytes
    orgmode, restructured   other markup as Markdown, line for line
    cache       what was read the last time, as `kept` writes it
    reader      one pass over a log; `collector` keeps what it finds as `items`
    front_matter, dates, layout, sections, names, blocks, entries, tables, sentences   take a log apart
    journal     tells kinds, by `phrases`, `verbs` and `outcomes`; `calibration` says how often that is right
    marks, remarks   what an author says of an item        unseen   characters that nobody sees, taken out
    toml, settings   `logs.toml` beside the logs           write    safe Markdown
    likeness    how much one item says what another says, for all that follows
    join        what several logs say, once                fates    what became of it
    threads     what returns, themes, silence              linked, nearest   addresses; what may help
    compile     does it all                                answers  reads `answers.toml`
    history     counts over time, as the table `counts`    output, document   Markdown, JSON, Quarto, HTML

What is read and how an author corrects it stands in docs/logs.md.
"""
