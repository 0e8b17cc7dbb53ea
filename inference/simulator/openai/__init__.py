"""OpenAI's protocol, also spoken by the many providers that copy it."""
