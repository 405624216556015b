"""The patient's one identity as a photograph asks for it: chosen on all photographs at hand, and kept from then on.

choices = Choices(gateway, faces)
chosen = choices.get(case, picture)            # stored, or chosen now
choices.again(case, chosen, distance)          # True: another one is stored, make the photograph anew
choices.settle(session, case, chosen)          # in the transaction of whatever may leave
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.cases import Case
from service.errors import IdentityReplaced
from service.gateway import Gateway
from service.pixels import Faces, Latent, Picture
from service.siblings import siblings
from service.states import Cause


@dataclass(frozen=True, eq=False)
class Chosen:
    """`latent`: float32 [n], the identity that a photograph was given; `picture`: what it shows, to choose again."""

    latent: Latent
    picture: Picture


class Choices:
    def __init__(self, gateway: Gateway, faces: Faces) -> None:
        self._gateway = gateway
        self._faces = faces

    def get(self, case: Case, picture: Picture) -> Chosen:
        """The patient's identity; where there is none yet, photographs choose one among random draws."""

        def created(session: Session) -> None:
            details = {"generator": self._faces.version}
            audit.record(
                session, Action.IDENTITY_CREATED, actor="worker", photograph_id=case.photograph.id, details=details
            )

        latent = self._gateway.identities.get_or_create(
            self._gateway.database,
            case.patient.id,
            self._faces.version,
            lambda: self._propose(case, picture),
            created,
        )
        return Chosen(latent, picture)

    def again(self, case: Case, chosen: Chosen, distance: float) -> bool:
        """Choose anew, because this photograph lies only `distance` from what came of `chosen`; it leads the choice.

        False where the identity stays: something was made of it that may leave, or it was chosen again often enough.
        """

        def replaced(session: Session) -> None:
            why = {"cause": Cause.STILL_RECOGNISED, "distance": round(distance, 4)}
            details = {"generator": self._faces.version, **why}
            audit.record(
                session, Action.IDENTITY_REPLACED, actor="worker", photograph_id=case.photograph.id, details=details
            )

        return self._gateway.identities.choose_again(
            self._gateway.database,
            case.patient.id,
            self._faces.version,
            chosen.latent,
            lambda: self._propose(case, chosen.picture),
            replaced,
        )

    def settle(self, session: Session, case: Case, chosen: Chosen) -> None:
        """Keep an identity for good; raises IdentityReplaced where another one took its place meanwhile."""
        if not self._gateway.identities.settle(session, case.patient.id, self._faces.version, chosen.latent):
            raise IdentityReplaced("The patient's identity was chosen again meanwhile.")

    def _propose(self, case: Case, picture: Picture) -> Latent:
        return self._faces.propose(picture, case.preserve, siblings(self._gateway, case))
