"""Reading the tables: queries, verdict and rule, margins, detectors, names of latents. Free of torch."""
