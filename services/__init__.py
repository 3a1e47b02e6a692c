"""The five services. They know each other only through `careloop.contracts`."""
