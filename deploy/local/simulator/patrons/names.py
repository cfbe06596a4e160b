"""Names for people who do not exist."""

from random import Random

_FIRST = (
    *("Anna", "Amir", "Beatriz", "Björn", "Carla", "Chidi", "Dana", "Dmitri", "Elif", "Emil", "Farah"),
    *(
        "Finn",
        "Greta",
        "Hugo",
        "Ines",
        "Ivo",
        "Jana",
        "Jonas",
        "Keiko",
        "Lars",
        "Leila",
        "Luka",
        "Maja",
        "Mateo",
    ),
    *("Nadia", "Nils", "Olga", "Oskar", "Paula", "Priya", "Quentin", "Rosa", "Samir", "Sofia", "Tomás"),
    *("Ulla", "Viktor", "Wanda", "Yusuf", "Zoë"),
)
_FAMILY = (
    *("Adler", "Amani", "Bauer", "Bianchi", "Castillo", "Čermák", "Dahl", "Demir", "Eriksen", "Fischer"),
    *("Fontaine", "García", "Gruber", "Haddad", "Horváth", "Ibrahim", "Jansen", "Kaya", "Kowalska", "Lang"),
    *("Lindqvist", "Mayer", "Moretti", "Nakamura", "Novak", "Okafor", "Olsen", "Petrov", "Pichler", "Quispe"),
    *("Ramírez", "Rossi", "Sato", "Schuster", "Sharma", "Silva", "Tanaka", "Urban", "Varga", "Wagner"),
)


def name(random: Random) -> str:
    """First name and family name."""
    return f"{random.choice(_FIRST)} {random.choice(_FAMILY)}"
