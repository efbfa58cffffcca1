"""Loads the instrumentation that the run names, then makes the calls of the module that it names."""

import importlib
import os

import plan

plan.start()
module, name = os.environ["LIBRARY"].split(":")
getattr(importlib.import_module(module), name)().instrument()
importlib.import_module(os.environ["CALLS"]).run()
plan.finish()
