"""The rows of the table, in its order. Each is a module with

  TITLE                    the work, in words
  QUICK, FULL              settings of a quick run and of a long one
  LINES                    what the table compares
  sides(settings)          names; the first word says whose
  missing(settings)        why the row cannot be measured here, or None
  run_side(side, settings) one measurement, in a process of its own (one.py)
"""
NAMES = ["sampling", "single", "training", "pairs", "distillation", "judging", "tokenising", "encoder", "fine_tuning", "demo"]
