"""GraphQL over HTTP and WebSockets. Knows nothing of what clients ask for."""
