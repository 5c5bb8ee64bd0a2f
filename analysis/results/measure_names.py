"""Which measures there can be: what a table lacks may be left out of a figure, what no table can have is a mistake."""

from __future__ import annotations

from analysis.plan.plugins import PACKAGES
from sae.discover import names

OF_STAGES = (
    "ablation_effect", "ablation_focus", "ablation_size", "ablation_sparsity", "absorption", "absorption_silent",
    "acting_share", "attribution_rank",
    "compute_share", "compute_share_line", "condition_share",
    "cosine_from_small", "cosine_to_small", "cross_entropy", "delta_kl", "delta_loss", "delta_loss_error",
    "detection", "disagree_share", "explained_error", "gamma", "lead_error",
    "leaked_share", "loss", "match_other_seeds",
    "match_random_host", "matched_cosine", "matched_encoder", "matched_share", "named_live_share",
    "named_share", "named_share_common_0", "named_share_common_10", "named_share_common_40", "normalised_mse",
    "optimised_enters_share", "pattern_f1", "pattern_precision", "pattern_recall", "probe_accuracy", "probe_loss",
    "probe_loss_5", "read_optimised_agrees", "read_top_agrees", "reader_accuracy",
    "recovered_mean", "recovered_zero", "significant_share", "steering_effect", "steering_focus",
    "targeted_perturbation",
    "variance_explained_refit",
)  # fmt: skip
"""What stages measure beside the modules of `sae/measures`."""
OF_QUESTIONS = "probe_loss_"
"""Behind it the name of a question that is asked of tokens (`analysis.run.text.tasks`)."""


def can_be(measure: str) -> bool:
    """Whether the tool, the project or an installed package has a measure of this name."""
    of_question = measure.startswith(OF_QUESTIONS)
    return of_question or measure in OF_STAGES or measure in names(PACKAGES["measures"])
