"""Clinical rules: versioned data files and pure functions over them, the same answer for the same chart for ever.

`screen` checks an order against a chart, `resolve` says which drug a name or code means, `score` reads a rating scale
and `triage` says how soon a side effect needs a person. No rule here has been signed by a programme's clinicians: each
carries its source, how well it was seen (V checked, S secondary, M memory, ours proposed) and `reviewed: false`.
"""
