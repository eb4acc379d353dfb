"""GraphQL over HTTP; knows nothing of what is asked for."""
