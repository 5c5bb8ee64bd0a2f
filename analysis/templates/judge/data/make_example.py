"""How the example was made: rows.npy and labels.npy, the hidden layer of a small network that reads 8 x 8 digits
(scikit-learn's; Alpaydin and Kaynak, UCI, 1998), and three SAEs on them, in saes/.

    python data/make_example.py        needs the extra `train`
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sae

HERE = Path(__file__).resolve().parent
digits = load_digits()
images, labels = digits.data / 16, digits.target
network = MLPClassifier((24,), random_state=0, max_iter=120).fit(images, labels)
rows = np.maximum(images @ network.coefs_[0] + network.intercepts_[0], 0).astype(np.float32)[:600]
np.save(HERE / "rows.npy", rows)
np.save(HERE / "labels.npy", labels[:600].astype(np.int16))
for seed in range(3):
    config = sae.TrainConfig(steps=600, batch=64, lr=1e-2)
    layer = sae.train("topk", sae.TopK(24, 32, k=4), torch.from_numpy(rows), config, seed=seed)
    folder = HERE / "saes" / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    sae.save_layer(layer, folder / "layer.safetensors")
