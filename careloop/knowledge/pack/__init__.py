"""The knowledge pack: what its data files say, how they are read, and how a drug is found in them."""
