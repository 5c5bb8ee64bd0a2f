"""FRI, feature reconstruction independence: how much worse one latent alone reconstructs than all of them."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen


class Fri:
    """Minus the error that a latent alone has in excess of all together, shared out over the other latents.

    For an example with host row a and codes z, of which m > 1 are active, and x_hat = offset + z @ D:

        E_j    = ||offset + z_j D_j - a||^2,   E_full = ||x_hat - a||^2
        I_j    = (E_j - E_full) / (m - 1)
        FRI    = - mean over examples of the mean over active j of I_j

    In host units squared, of any sign; higher is meant to say more independent. Examples with fewer than 2 active
    latents are left out, `n` counts the rest; with none the value is NaN. Source: docs/metrics.md of
    jain18ayush/mnist-sae, whose code takes the mean over coordinates where its formula (and this) takes the sum.

    Confounded: its size grows with the square of the activation mass, and depends on L0. Where orthogonal directions
    reconstruct perfectly it is exactly -||x_hat - offset||^2 / m, so that a depth with less activation scores higher
    whatever its latents say. Hosts, and depths that differ in mass or L0, cannot be compared by it.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("host", "host_directions", "host_offset")

    def __init__(self) -> None:
        self.excess, self.n = 0.0, 0

    def update(self, seen: Seen) -> None:
        """Add a batch. With r = offset - a, E_j = ||r||^2 + 2 z_j r.D_j + z_j^2 ||D_j||^2."""
        assert seen.host is not None and seen.host_directions is not None and seen.host_offset is not None
        several = seen.fired.sum(1) > 1
        z, active = seen.dense[several].double(), seen.fired[several].sum(1).double()
        directions = seen.host_directions.double()
        back, rest = z @ directions, seen.host_offset.double() - seen.host[several].double()
        cross = 2 * (rest * back).sum(1)
        # ||r||^2 stands in E_j and in E_full: it is left out of both, since it could only cost digits
        alone = (cross + z.pow(2) @ directions.pow(2).sum(1)) / active
        full = cross + back.pow(2).sum(1)
        self.excess += float(((alone - full) / (active - 1)).sum())
        self.n += len(active)

    def reading(self) -> Reading:
        """The mean over all examples seen that have at least 2 active latents."""
        return Reading(-self.excess / self.n if self.n else float("nan"), self.n)
