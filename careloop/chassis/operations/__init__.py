"""What a service says about itself and lets an operator do."""
