"""The backend for Azure Cosmos DB (API for NoSQL); ``store`` is the way in."""
