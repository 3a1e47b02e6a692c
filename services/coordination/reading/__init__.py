"""What reads serve: the stored sections, the caseload, the journal and the replay of the past."""
