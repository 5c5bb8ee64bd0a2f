"""What the machine does for us: processes and signals, files in one step, git, pandoc, YAML and TOML within bounds."""
