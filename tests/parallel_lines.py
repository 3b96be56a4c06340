"""Some dozens of English sentences and their Swahili translations, written for the tests."""

from __future__ import annotations

from pathlib import Path

PAIRS = (
    ("The water is cold.", "Maji ni baridi."),
    ("The water is hot.", "Maji ni moto."),
    ("This house is big.", "Nyumba hii ni kubwa."),
    ("This house is small.", "Nyumba hii ni ndogo."),
    ("The big house is old.", "Nyumba kubwa ni ya zamani."),
    ("The king has a big house.", "Mfalme ana nyumba kubwa."),
    ("The king drinks water.", "Mfalme anakunywa maji."),
    ("The child drinks water.", "Mtoto anakunywa maji."),
    ("The child eats bread.", "Mtoto anakula mkate."),
    ("The teacher eats bread.", "Mwalimu anakula mkate."),
    ("The teacher reads a book.", "Mwalimu anasoma kitabu."),
    ("The child reads a book.", "Mtoto anasoma kitabu."),
    ("The king reads a letter.", "Mfalme anasoma barua."),
    ("The teacher writes a letter.", "Mwalimu anaandika barua."),
    ("The child writes a letter.", "Mtoto anaandika barua."),
    ("The farmer has two cows.", "Mkulima ana ng'ombe wawili."),
    ("The farmer has two goats.", "Mkulima ana mbuzi wawili."),
    ("The cows drink water.", "Ng'ombe wanakunywa maji."),
    ("The goats drink water.", "Mbuzi wanakunywa maji."),
    ("The farmer sells bread.", "Mkulima anauza mkate."),
    ("The farmer sells milk.", "Mkulima anauza maziwa."),
    ("The child drinks milk.", "Mtoto anakunywa maziwa."),
    ("The milk is cold.", "Maziwa ni baridi."),
    ("The bread is hot.", "Mkate ni moto."),
    ("This book is old.", "Kitabu hiki ni cha zamani."),
    ("This book is good.", "Kitabu hiki ni kizuri."),
    ("The road is long.", "Barabara ni ndefu."),
    ("This road goes to the market.", "Barabara hii inaenda sokoni."),
    ("The farmer goes to the market.", "Mkulima anaenda sokoni."),
    ("The teacher goes to the market.", "Mwalimu anaenda sokoni."),
    ("The king goes to the river.", "Mfalme anaenda mtoni."),
    ("The cows go to the river.", "Ng'ombe wanaenda mtoni."),
    ("The child goes to school.", "Mtoto anaenda shuleni."),
    ("The teacher goes to school.", "Mwalimu anaenda shuleni."),
    ("The house of the king is old.", "Nyumba ya mfalme ni ya zamani."),
    ("The house of the farmer is small.", "Nyumba ya mkulima ni ndogo."),
    ("The book of the teacher is big.", "Kitabu cha mwalimu ni kikubwa."),
    ("The king and the farmer eat bread.", "Mfalme na mkulima wanakula mkate."),
    ("The teacher and the child drink milk.", "Mwalimu na mtoto wanakunywa maziwa."),
    ("In the year 1984 the king wrote a book.", "Mwaka 1984 mfalme aliandika kitabu."),
)


def write_pairs(folder: Path, *, swapped: bool = False) -> Path:
    """Write the pairs as a table, English first unless they are swapped."""
    lines = [f"{b}\t{a}" if swapped else f"{a}\t{b}" for a, b in PAIRS]
    path = folder / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
