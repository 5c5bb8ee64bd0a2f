"""Evaluations of an SAE on a language model, one to a file: each module offers the function of its own name.

They are functions of tensors and callables: what is evaluated (an SAE, neurons, PCA, a random dictionary) enters in
the same way, so a control is one more call. Sums are divided once, at the end; what is not defined is None or refused,
never NaN. A new file here is a new evaluation.
"""
