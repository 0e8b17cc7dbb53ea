"""A stand-in for the providers: OpenAI's, Anthropic's and Cohere's wire protocols, spoken on loopback by one process.

It exists so that the gateway and the vendors' own SDKs run without a provider key, and so that tests can make a
provider slow, broken or silent on demand. It refuses what a provider would refuse, counts tokens as one would, and
answers the same request with the same text every time. It holds nothing but memory and imports no Django.
"""
