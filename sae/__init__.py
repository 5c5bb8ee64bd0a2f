"""Sparse autoencoders, towers of them, and what can honestly be measured about both.

This package knows tensors only: no data set, no page, no file name of the write-up. Import what you need from
its modules, e.g. `from sae.architectures.topk import TopK` and `from sae.train import train`.
"""
