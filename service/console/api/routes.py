"""All routes of the API under one prefix."""

from fastapi import APIRouter

from service.console.api import audit, desk, documentation, observing, photographs, uploads

router = APIRouter(prefix="/api/v1")
for part in (observing, photographs, desk, uploads, audit, documentation):
    router.include_router(part.router)
