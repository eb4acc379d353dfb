"""The doors that are not GraphQL, and the gate in front of all doors."""
