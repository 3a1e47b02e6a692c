"""How soon a side effect or a suicide risk needs a person."""
