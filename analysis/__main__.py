"""`python -m analysis` is the same as `strata`."""

from analysis.cli import main

main()
