"""`python -m analysis` is the same as `strata`."""

from analysis.cli.main import main

main()
