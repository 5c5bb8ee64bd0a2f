"""The command `strata`, a module a group of commands."""
