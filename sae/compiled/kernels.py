"""Kernels of the compiled step. Each says what it computes in torch's words; the tests hold it to that.

Rows are split over threads, and every sum is taken by one thread in a fixed order: results do not depend on how
many threads there are. `no_type_check` keeps the shape checks of the test run out of what numba compiles.

NaN: selection may assume that there is none (`nnan`), or it would not be vectorised. A NaN in a decoder row stops
training at the loss; one in an encoder is found by `sae.finite.check_weights`, at the start and then now and then.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

from sae.compiled.jit import kernel

# Sums may be reordered and fused, so that loops vectorise; NaN and infinity keep their meaning.
SUMS = {"reassoc", "contract", "nsz", "arcp"}
ORDER = SUMS | {"nnan"}
# Most entries of a residue class.
MOST = 64
# Rows and latents are dealt to threads in this many parts, each with scratch of its own.
CHUNKS = 64
# Adam's, as the reference step has them (Gao et al., released code).
BETA1, BETA2, EPS = 0.9, 0.999, 6.25e-10


@kernel(fastmath=ORDER, inline="never")
@no_type_check
def largest_first(values, ids, count, k):
    """Reorder both arrays so that the k largest of the first `count` values stand in front (quickselect)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                ids[i], ids[j] = ids[j], ids[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@kernel(inline="never")
@no_type_check
def classes_for(n, k):
    """Into how many residue classes n entries fall for `keep_largest`: a few for each entry wanted."""
    return max(1, min(n, max(-(-n // MOST), 4 * k)))


@kernel(fastmath=ORDER, inline="never")
@no_type_check
def keep_largest(row, maxima, first, fresh, values, indices, found, ids):
    """The k largest positive entries of `row` and, unless `fresh`, of those kept before; k is the width of `values`.

    `maxima[j]` is the largest entry at places j, j + classes, j + 2 classes, ... (entry by entry, so that finding
    them vectorises). The k-th largest of the maxima bounds the k-th largest entry of a fresh row from below, what was
    kept before bounds what can still come in: only classes that reach the bound are looked into, and nothing is
    sorted. Entries are numbered from `first`. `found` and `ids` are scratch.
    """
    n, k, classes = len(row), len(values), len(maxima)
    bound = np.float32(0)
    if fresh:
        if classes > k:
            for j in range(classes):
                found[j] = maxima[j]
            largest_first(found, ids, classes, k)
            bound = found[0]
            for j in range(1, k):
                bound = min(bound, found[j])
    else:
        bound = values[0]
        for j in range(1, k):
            bound = min(bound, values[j])
    count = 0
    for j in range(classes):
        if maxima[j] >= bound and maxima[j] > 0:
            for i in range(j, n, classes):
                if row[i] >= bound and row[i] > 0:
                    found[count] = row[i]
                    ids[count] = first + i
                    count += 1
    if not fresh:
        if count == 0:
            return
        for j in range(k):
            if values[j] > 0:
                found[count] = values[j]
                ids[count] = indices[j]
                count += 1
    if count > k:
        largest_first(found, ids, count, k)
        count = k
    for j in range(count):
        values[j] = found[j]
        indices[j] = ids[j]
    for j in range(count, k):
        values[j] = 0
        indices[j] = 0


@kernel(parallel=True, fastmath=ORDER)
@no_type_check
def select(pre, bias, first, fresh, values, indices):
    """values, indices = keep_top of pre + bias and of what they hold already (unless `fresh`). Overwrites `pre`.

    A product too large for a cache is taken tile by tile; `first` is the number of the tile's first latent.
    """
    rows, n = pre.shape
    k = values.shape[1]
    classes = classes_for(n, k)
    for chunk in numba.prange(CHUNKS):
        found, ids = np.empty(n + k, np.float32), np.empty(n + k, np.int32)
        maxima = np.empty(classes, np.float32)
        for b in range(chunk * rows // CHUNKS, (chunk + 1) * rows // CHUNKS):
            maxima[:] = 0
            for start in range(0, n, classes):
                stop = min(n, start + classes)
                part, add = pre[b, start:stop], bias[start:stop]
                for j in range(stop - start):
                    value = part[j] + add[j]
                    part[j] = value
                    maxima[j] = value if value > maxima[j] else maxima[j]
            keep_largest(pre[b], maxima, first, fresh, values[b], indices[b], found, ids)


@kernel(parallel=True, fastmath=ORDER)
@no_type_check
def select_quantised(product, x_scale, w_scale, bias, first, fresh, values, indices):
    """`select` on a product of quantised rows, int32: times both scales it approximates x W_enc^T."""
    rows, n = product.shape
    k = values.shape[1]
    classes = classes_for(n, k)
    for chunk in numba.prange(CHUNKS):
        found, ids = np.empty(n + k, np.float32), np.empty(n + k, np.int32)
        maxima, row = np.empty(classes, np.float32), np.empty(n, np.float32)
        for b in range(chunk * rows // CHUNKS, (chunk + 1) * rows // CHUNKS):
            maxima[:] = 0
            scale = x_scale[b]
            for start in range(0, n, classes):
                stop = min(n, start + classes)
                whole, part = product[b, start:stop], row[start:stop]
                times, add = w_scale[start:stop], bias[start:stop]
                for j in range(stop - start):
                    value = np.float32(whole[j]) * (times[j] * scale) + add[j]
                    part[j] = value
                    maxima[j] = value if value > maxima[j] else maxima[j]
            keep_largest(row, maxima, first, fresh, values[b], indices[b], found, ids)


@kernel(parallel=True, fastmath=ORDER)
@no_type_check
def select_listed(x, W_enc, bias, listed, guesses, values, indices):
    """The k largest exact pre-activations among the latents `listed` for each row, where their guess is above 0."""
    rows, d = x.shape
    k = values.shape[1]
    most = listed.shape[1]
    for chunk in numba.prange(CHUNKS):
        found, ids = np.empty(most, np.float32), np.empty(most, np.int32)
        for b in range(chunk * rows // CHUNKS, (chunk + 1) * rows // CHUNKS):
            count = 0
            for j in range(most):
                if guesses[b, j] > 0:
                    latent = listed[b, j]
                    total = np.float32(0)
                    for i in range(d):
                        total += x[b, i] * W_enc[latent, i]
                    found[count] = total + bias[latent]
                    ids[count] = latent
                    count += 1
            if count > k:
                largest_first(found, ids, count, k)
                count = k
            for j in range(count):
                values[b, j] = max(found[j], np.float32(0))
                indices[b, j] = ids[j]
            for j in range(count, k):
                values[b, j] = 0
                indices[b, j] = 0


@kernel(parallel=True, fastmath=SUMS)
@no_type_check
def quantise(rows, out, scales):
    """Each row as 8-bit integers times a scale of its own, so that its largest entry is 127."""
    for b in numba.prange(len(rows)):
        scales[b] = quantise_row(rows[b], out[b])


@kernel(fastmath=SUMS, inline="never")
@no_type_check
def quantise_row(row, out):
    """One row of `quantise`; gives its scale."""
    largest = np.float32(0)
    for i in range(len(row)):
        largest = max(largest, abs(row[i]))
    if not largest > 0:
        out[:] = 0
        return np.float32(0)
    inverse = np.float32(127) / largest
    for i in range(len(row)):
        scaled = row[i] * inverse
        out[i] = np.int8(scaled + np.float32(0.5) if scaled >= 0 else scaled - np.float32(0.5))
    return largest / np.float32(127)


@kernel(parallel=True, fastmath=SUMS)
@no_type_check
def decode_and_pull(x, values, indices, W_dec, b_dec, pull, d_values, errors):
    """The residual's gradient and what it says to each active code.

    pull     = 2 (x_hat - x) / (rows d), the gradient at x_hat of the mean of ||x - x_hat||^2 / d
    d_values = pull . W_dec[indices], 0 where a code is not above 0
    errors   = ||x - x_hat||^2 of each row
    """
    rows, d = x.shape
    k = values.shape[1]
    factor = np.float32(2.0 / (rows * d))
    for b in numba.prange(rows):
        back = pull[b]
        for i in range(d):
            back[i] = b_dec[i] - x[b, i]
        for j in range(k):
            value = values[b, j]
            if value > 0:
                latent = indices[b, j]
                for i in range(d):
                    back[i] += value * W_dec[latent, i]
        total = np.float32(0)
        for i in range(d):
            total += back[i] * back[i]
            back[i] *= factor
        errors[b] = total
        for j in range(k):
            gradient = np.float32(0)
            if values[b, j] > 0:
                latent = indices[b, j]
                for i in range(d):
                    gradient += back[i] * W_dec[latent, i]
            d_values[b, j] = gradient


@kernel(fastmath=SUMS)
@no_type_check
def by_latent(values, indices, d_values, n_latents, starts, entries, d_bias):
    """Sort the active codes by latent: latent l has `entries[starts[l]:starts[l + 1]]`, flat places in `values`.

    Rows ascend within a latent, so that its sums have one order. `d_bias` is the sum of `d_values` of each latent.
    """
    rows, k = values.shape
    starts[:] = 0
    d_bias[:] = 0
    for b in range(rows):
        for j in range(k):
            if values[b, j] > 0:
                starts[indices[b, j] + 1] += 1
                d_bias[indices[b, j]] += d_values[b, j]
    for latent in range(n_latents):
        starts[latent + 1] += starts[latent]
    place = starts[:-1].copy()
    for b in range(rows):
        for j in range(k):
            if values[b, j] > 0:
                latent = indices[b, j]
                entries[place[latent]] = b * k + j
                place[latent] += 1


@kernel(fastmath=SUMS, inline="always")
@no_type_check
def adam(weight, mean, square, gradient, rate, inverse_root):
    """torch's Adam on one vector: `rate` is lr / (1 - beta1^t), `inverse_root` 1 / sqrt(1 - beta2^t)."""
    for i in range(len(weight)):
        g = gradient[i]
        m = np.float32(BETA1) * mean[i] + np.float32(1 - BETA1) * g
        v = np.float32(BETA2) * square[i] + np.float32(1 - BETA2) * g * g
        mean[i] = m
        square[i] = v
        weight[i] -= rate * m / (np.sqrt(v) * inverse_root + np.float32(EPS))


@kernel(parallel=True, fastmath=SUMS)
@no_type_check
def update(
    x, pull, values, d_values, starts, entries,
    W_enc, W_enc_mean, W_enc_square, W_dec, W_dec_mean, W_dec_square,
    extra_of, extra_enc, extra_dec, rate, inverse_root, quantised, scales,
):  # fmt: skip
    """Gradients, Adam and the unit norm of every latent's two rows, in one pass over the weights.

    A whole gradient matrix is never written: a latent's gradient is summed where it is used. `extra_of[l]` is the row
    of `extra_enc` and `extra_dec` (AuxK's gradients) that belongs to latent l, or -1. With `quantised` of the
    encoder's shape, the new encoder rows are quantised while they are at hand.
    """
    n, d = W_enc.shape
    k = values.shape[1]
    flat, d_flat = values.reshape(-1), d_values.reshape(-1)
    for chunk in numba.prange(CHUNKS):
        d_enc, d_dec = np.empty(d, np.float32), np.empty(d, np.float32)
        for latent in range(chunk * n // CHUNKS, (chunk + 1) * n // CHUNKS):
            d_enc[:] = 0
            d_dec[:] = 0
            for e in range(starts[latent], starts[latent + 1]):
                place = entries[e]
                b = place // k
                value, gradient = flat[place], d_flat[place]
                for i in range(d):
                    d_enc[i] += gradient * x[b, i]
                    d_dec[i] += value * pull[b, i]
            if extra_of[latent] >= 0:
                extra = extra_of[latent]
                for i in range(d):
                    d_enc[i] += extra_enc[extra, i]
                    d_dec[i] += extra_dec[extra, i]
            encoder, decoder = W_enc[latent], W_dec[latent]
            along = np.float32(0)
            for i in range(d):
                along += d_dec[i] * decoder[i]
            for i in range(d):
                d_dec[i] -= along * decoder[i]
            adam(encoder, W_enc_mean[latent], W_enc_square[latent], d_enc, rate, inverse_root)
            adam(decoder, W_dec_mean[latent], W_dec_square[latent], d_dec, rate, inverse_root)
            length = np.float32(0)
            for i in range(d):
                length += decoder[i] * decoder[i]
            length = np.sqrt(length)
            for i in range(d):
                decoder[i] /= length
            if len(quantised) == n:
                scales[latent] = quantise_row(encoder, quantised[latent])
