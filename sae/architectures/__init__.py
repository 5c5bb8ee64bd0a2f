"""SAE architectures, one to a file: formula, paper, class. A new file here is a new architecture.

Each class is a `torch.nn.Module` built as `Class(d_in, n_latents, **options)` that satisfies `sae.protocol.SAE`.
"""
