"""Golden numbers of optimisers, schedules and clipping: python3 make_optim.py, with PyTorch 1.13. Writes optim.json.

Two groups with rates of their own; the second's last parameter has a gradient in every second step only. Gradients are random, given, and
the same for all optimisers.
"""

import torch
from torch import nn

import record

STEPS = 6
SHAPES = [(4, 3), (5,), (2, 3, 1, 2)]


def start():
    torch.manual_seed(1)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def gradients():
    torch.manual_seed(2)
    return [[torch.randn(shape) if i < 2 or step % 2 == 1 else None for i, shape in enumerate(SHAPES)] for step in range(STEPS)]


def groups(params):
    return [{"params": params[:1]}, {"params": params[1:], "lr": 0.05, "weight_decay": 0.3}]


optimisers = {
    "AdamW": lambda params: torch.optim.AdamW(groups(params), lr=0.1, foreach=True),
    "AdamW, amsgrad, other betas": lambda params: torch.optim.AdamW(
        groups(params), lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0, amsgrad=True, foreach=False
    ),
    "SGD": lambda params: torch.optim.SGD(groups(params), lr=0.1),
    "SGD, momentum": lambda params: torch.optim.SGD(groups(params), lr=0.1, momentum=0.9, weight_decay=0.01),
    "SGD, dampening": lambda params: torch.optim.SGD(groups(params), lr=0.1, momentum=0.9, dampening=0.4),
    "SGD, nesterov": lambda params: torch.optim.SGD(groups(params), lr=0.1, momentum=0.8, weight_decay=0.01, nesterov=True),
}


def plain(value):
    if torch.is_tensor(value):
        return record.tensor(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def optimiser_case(make):
    params = start()
    optimiser = make(params)
    steps = []
    for grads in gradients():
        for param, grad in zip(params, grads):
            param.grad = None if grad is None else grad.clone()
        optimiser.step()
        steps.append([record.tensor(param) for param in params])
    return {"steps": steps, "state": plain(optimiser.state_dict())}


def rates(make, base=(0.1, 0.02), steps=12):
    params = [nn.Parameter(torch.zeros(1)) for _ in base]
    optimiser = torch.optim.SGD([{"params": [p], "lr": lr} for p, lr in zip(params, base)], lr=1)
    scheduler = make(optimiser)
    result = []
    for _ in range(steps):
        result.append([group["lr"] for group in optimiser.param_groups])
        optimiser.step()
        scheduler.step()
    return result


S = torch.optim.lr_scheduler
schedules = {
    "cosine": lambda o: S.CosineAnnealingLR(o, T_max=11, eta_min=1e-3),
    "polynomial": lambda o: S.PolynomialLR(o, total_iters=8, power=0.9),
    "constant": lambda o: S.LambdaLR(o, lambda step: 1),
    "warm-up, then polynomial": lambda o: S.SequentialLR(
        o, [S.LinearLR(o, start_factor=0.25, total_iters=4), S.LambdaLR(o, lambda step: (1 - min(step, 8) / 8) ** 0.9)], milestones=[4]
    ),
}


def clip_case(norm_type, max_norm):
    params = start()
    for param, grad in zip(params, gradients()[1]):
        param.grad = grad.clone()
    total = nn.utils.clip_grad_norm_(params, max_norm, norm_type=norm_type)
    return {"total": record.tensor(total), "gradients": [record.tensor(param.grad) for param in params]}


record.write(
    "optim.json",
    {
        "torch": torch.__version__,
        "start": [record.tensor(param) for param in start()],
        "gradients": [[None if grad is None else record.tensor(grad) for grad in grads] for grads in gradients()],
        "optimisers": {name: optimiser_case(make) for name, make in optimisers.items()},
        "schedules": {name: rates(make) for name, make in schedules.items()},
        "clips": {
            "2, far above": clip_case(2.0, 0.5),
            "2, below": clip_case(2.0, 100.0),
            "1": clip_case(1.0, 3.0),
            "inf": clip_case(float("inf"), 0.25),
        },
    },
)
