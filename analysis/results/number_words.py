"""What a number of the tables is, in words for a reader: measure, tower, depth, rows and control. Free of torch.

A measure without words of its own (a plugin's) is called by its name, with spaces.
"""

from __future__ import annotations

import re

from sae.rule import CODE_NULLS, NAMES, SHUFFLED

MEASURES = {
    "ablation_effect": "change of the answer when a latent is taken out",
    "ablation_focus": "how much of ablation's effect is on one class",
    "ablation_size": "change of the next token's odds when a latent is taken out",
    "ablation_sparsity": "share of next tokens that ablation moves",
    "absorption": "share of first letters that another latent has taken over",
    "absorption_silent": "share of first letters whose latents are silent",
    "acting_share": "share of latents whose ablation surely lowers a class",
    "activation_mass": "mean total activation",
    "attribution_rank": "agreement of attribution with ablation, by rank",
    "class_precision": "precision of latents as signs of a class",
    "class_recall": "recall of latents as signs of a class",
    "compute_share": "share of training compute that is left",
    "compute_share_line": "share of training compute that is left, along the line of all sizes",
    "condition_share": "share of names with a condition beside the class",
    "copy_score": "share of latents that copy one below",
    "cosine": "cosine of reconstruction and input",
    "cosine_from_small": "largest cosine of a small SAE's latents with these",
    "cosine_to_small": "largest cosine with a latent of a small SAE",
    "cross_entropy": "cross-entropy of the next token",
    "csp": "how far latents prefer their best class, silent ones counted as 0 (CSP)",
    "dead_count": "latents that never fire",
    "delta_kl": "divergence of the answers with reconstructions in place",
    "delta_loss": "loss that reconstructions add",
    "delta_loss_error": "standard error of the loss that reconstructions add",
    "density": "how often latents fire, as a logarithm",
    "detection": "how well names say when latents fire",
    "disagree_share": "share of named latents whose ablation lowers a class that is not in the name",
    "eligible_share": "share of latents that fire on ten examples or more",
    "exclusive_share": "share of latents that fire on one class only",
    "explained_error": "standard error of the share of variance explained",
    "firing_rate": "share of examples on which a latent fires",
    "fri": "how much worse one latent alone reconstructs than all (FRI)",
    "gamma": "length of the input's mean over its spread",
    "host_accuracy": "the network's accuracy with reconstructions in place",
    "host_variance_explained": "share of the network's variance explained",
    "l0": "latents that are active at once (L0)",
    "lead_error": "standard error of the lead over an unlearned dictionary",
    "leaked_share": "share of held-out rows that stand among the training rows",
    "live_copies": "share of live latents that copy one below",
    "live_share": "share of latents that fire",
    "loss": "last training loss",
    "ltes": "how few coordinates of the network a latent moves, and how steadily (LTES)",
    "margin": "share of variance explained beyond the nearest floor",
    "match_other_seeds": "correlation with the most similar latent of another seed",
    "match_random_host": "correlation with the most similar latent on the untrained network",
    "matched_cosine": "cosine of directions paired with another seed's",
    "matched_encoder": "cosine of encoders paired with another seed's",
    "matched_share": "share of latents found again in another seed",
    "mean_activation": "mean activation of a latent where it fires",
    "named_live_share": "share of live latents that have a name",
    "named_share": "share of latents that have a name",
    "near_duplicates": "share of latents with a near duplicate",
    "normalised_mse": "reconstruction error over the rows' variance",
    "optimised_enters_share": "share of made images that make their latent active",
    "pattern_f1": "F1 of token patterns",
    "pattern_precision": "precision of token patterns",
    "pattern_recall": "recall of token patterns",
    "pds": "how much less correlated latents are than those of the depth below (PDS)",
    "phi": "correlation of firing with a class (phi)",
    "probe_accuracy": "accuracy of a probe on the best latent",
    "probe_loss": "loss of a probe on the best latent",
    "probe_loss_5": "loss of a probe on five latents",
    "read_optimised_agrees": "share of made images that an independent classifier reads as the name says",
    "read_top_agrees": "share of strongest images that an independent classifier reads as the name says",
    "reader_accuracy": "accuracy of the independent classifier",
    "recovered_mean": "share recovered of the loss that the mean row costs",
    "recovered_zero": "share recovered of the loss that zeros cost",
    "relative_mass": "total activation relative to depth 1",
    "selectivity": "class selectivity",
    "shrinkage": "length of reconstructions relative to their inputs",
    "significant_share": "share of latents that tell a class better than chance",
    "steering_effect": "change of the answer when a latent is set high",
    "steering_focus": "how much of steering's effect is on one class",
    "targeted_perturbation": "how much more a probe loses than others when its latents are taken out",
    "top_class_share": "share of activation on a latent's top class",
    "variance_explained": "share of variance explained",
    "variance_explained_refit": "share of variance explained, codes refitted",
}
_FAMILIES = (
    (r"named_share_common_(\d+)", "share of latents that have a name, where one must be true of {0}% of examples"),
    (r"probe_loss_(.+)", "loss of a probe on the best latent, question: {0}"),
)
KINDS = {
    "latents": "latents tower", "directions": "directions tower",
    "direct": "one SAE as wide and sparse as that depth of the latents tower",
    "small": "one SAE as wide as that depth of the directions tower", "host": "the network's own neurons",
}  # fmt: skip
SPLITS = {"train": "training rows", "held_out": "held-out rows"}
CONTROLS = {
    "none": "", "random_host": "on the network that was never trained", "permuted_labels": "with shuffled labels",
    "random_direction": "along random directions of the same length", "pca": "of as many principal components",
    "neurons": "of the neurons", "activations": "of a probe on the whole row",
    "single_tokens": "of patterns of one token", "shuffled_firing": "with firing dealt out by chance",
    "random_latents": "of as many latents drawn at random", "zero_ablation": "with zeros in place",
    "mean_ablation": "with the mean row in place",
}  # fmt: skip


def measure_words(measure: str) -> str:
    """What a measure says."""
    if measure in MEASURES:
        return MEASURES[measure]
    for form, words in _FAMILIES:
        if found := re.fullmatch(form, measure):
            return words.format(found[1].replace("_", " "))
    return measure.replace("_", " ")


def control_words(control: str) -> str:
    """Whose number it is where it is not the trained network's own; empty where it is."""
    if control in CONTROLS:
        return CONTROLS[control]
    if control in NAMES:
        return f"of the floor “{NAMES[control]}”"
    if control in CODE_NULLS:
        once = control.removesuffix(SHUFFLED)
        return f"of the floor “{NAMES.get(f'{once}_null', once)}, {'once more' if once != control else 'as dealt'}”"
    return f"of {control.replace('_', ' ')}"


def number_words(measure: str, kind: str, depth: int, control: str, split: str) -> str:
    """`share of variance explained, latents tower, depth 2, held-out rows, of the floor “…”`."""
    place = [KINDS.get(kind, f"one SAE, {kind.replace('_', ' ')}")]
    place += [f"depth {depth}"] if depth else []
    said = [measure_words(measure), *place, SPLITS.get(split, split), control_words(control)]
    return ", ".join(part for part in said if part)
