"""The website: rendering by Quarto or by the embedded renderer, and the checks on what was built."""
