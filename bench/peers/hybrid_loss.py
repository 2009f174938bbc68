"""AD-SAM's training loss in plain PyTorch: 0.4 Focal + 0.3 Dice + 0.2 Lovász-softmax + 0.1 surface."""
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional as F


def focal(logits: Tensor, labels: Tensor, ignore: int, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    cross_entropy = F.cross_entropy(logits, labels, ignore_index=ignore, reduction="none")  # 0 where ignored
    loss = alpha * (1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy
    return loss.sum() / (labels != ignore).sum()


def dice(probabilities: Tensor, one_hot: Tensor, valid: Tensor, smooth: float = 1e-6) -> Tensor:
    """One minus the mean over pictures and all classes; a class absent from the picture scores near 0."""
    kept = probabilities * valid
    overlap = (kept * one_hot).sum(dim=(2, 3))
    total = kept.sum(dim=(2, 3)) + one_hot.sum(dim=(2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()


def lovasz_softmax(probabilities: Tensor, labels: Tensor, ignore: int) -> Tensor:
    """Berman et al. 2018: a picture at a time, the mean over the classes present in it."""
    pictures = []
    for one, label in zip(probabilities, labels):
        keep = label != ignore
        scores, truth = one[:, keep], label[keep]
        losses = []
        for k in truth.unique():
            foreground = (truth == k).to(scores.dtype)
            errors, order = torch.sort((foreground - scores[k]).abs(), descending=True)
            losses.append(torch.dot(errors, jaccard_gradient(foreground[order])))
        pictures.append(torch.stack(losses).mean())
    return torch.stack(pictures).mean()


def jaccard_gradient(sorted_truth: Tensor) -> Tensor:
    total = sorted_truth.sum()
    intersection = total - sorted_truth.cumsum(0)
    union = total + (1 - sorted_truth).cumsum(0)
    jaccard = 1 - intersection / union
    jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
    return jaccard


def boundary_distance(labels: Tensor) -> Tensor:
    """[B, H, W]: distance in pixels to the nearest pixel that lies beside another label, the ignored one included."""
    maps = []
    for label in labels.numpy():
        edge = np.zeros(label.shape, dtype=bool)
        across, down = label[:, 1:] != label[:, :-1], label[1:] != label[:-1]
        edge[:, 1:] |= across
        edge[:, :-1] |= across
        edge[1:] |= down
        edge[:-1] |= down
        maps.append(torch.from_numpy(distance_transform_edt(~edge).astype(np.float32)))
    return torch.stack(maps)


def surface(probabilities: Tensor, one_hot: Tensor, valid: Tensor, labels: Tensor) -> Tensor:
    """The mean over all class × pixel elements; ignored pixels weigh 0."""
    weight = boundary_distance(labels)[:, None] * valid
    return ((probabilities - one_hot).abs() * weight).mean()


def hybrid(logits: Tensor, labels: Tensor, ignore: int) -> Tensor:
    probabilities = F.softmax(logits, dim=1)
    valid = (labels != ignore)[:, None].to(logits.dtype)  # [B, 1, H, W]
    index = labels.masked_fill(labels == ignore, 0)
    one_hot = F.one_hot(index, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype) * valid
    return (
        0.4 * focal(logits, labels, ignore)
        + 0.3 * dice(probabilities, one_hot, valid)
        + 0.2 * lovasz_softmax(probabilities, labels, ignore)
        + 0.1 * surface(probabilities, one_hot, valid, labels)
    )
