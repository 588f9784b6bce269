"""Quick forms of networks, checked against the plain network and measured."""

from realtime.acceleration.accelerate import accelerate
from realtime.acceleration.accelerated import Accelerated
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Axis

__all__ = ["Accelerated", "Axis", "Policy", "accelerate"]
