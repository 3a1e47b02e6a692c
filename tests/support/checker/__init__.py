"""What is compared when everything has settled: rows, records, answers."""
