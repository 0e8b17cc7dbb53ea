"""Choosing a model: what a call needs, what kind of task it is, and the cheapest model that is good enough."""

from inference.routing.router import Router
from inference.routing.tasks import TASKS, detect_task

__all__ = ["TASKS", "Router", "detect_task"]
