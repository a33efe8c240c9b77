"""OpenAPI 3.0 and 3.1 documents as operations with parameters, bodies, answers and examples."""
