"""Seeing single latents: pure functions from images, codes and a tower to what a latent is, does and is called.

They know nothing of folders and tables; the stages `interpret` and `pictures` load, call and save.
"""
