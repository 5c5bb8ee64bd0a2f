"""SAEs on a language model, evaluated: what is spliced in, probed, matched with patterns and taken away."""
