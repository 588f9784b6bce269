"""Tests of networks that are small: on a busy machine, their threads would mostly wait."""

import torch

torch.set_num_threads(1)
