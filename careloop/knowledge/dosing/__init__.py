"""Dose plans: titration, taper and switch. The planner proposes; the checker judges any schedule by itself."""
