"""The tables of accounts, business units, companies, calendars and codes."""

from __future__ import annotations

from ml_connector.sandbox.jde.columns import (
    AUDIT,
    Table,
    day,
    number,
    numbered,
    right,
    text,
    zeros,
)

_PERIODS = range(1, 15)

F0901 = Table(
    name="F0901",
    title="Account Master",
    columns=(
        zeros("CO", 5, "Co"),
        zeros("AID", 8, "Account ID"),
        right("MCU", 12, "Business Unit"),
        text("OBJ", 6, "Obj Acct"),
        text("SUB", 8, "Sub"),
        text("ANS", 25, "3rd Account Number"),
        text("DL01", 30, "Description"),
        text("LDA", 1, "LOD"),
        text("BPC", 3, "Bud Pat Code"),
        text("PEC", 1, "P C"),
        text("BILL", 1, "Billable"),
        text("CRCD", 3, "Cur Cod"),
        text("UM", 2, "UM"),
        *numbered([f"R{one:03}" for one in range(1, 21)], 3, "Cat Code"),
        *numbered([f"R{one:03}" for one in range(21, 44)], 10, "Cat Code"),
        text("OBJA", 6, "Alternate Object"),
        text("SUBA", 8, "Alternate Subsidiary"),
        text("STPC", 1, "Stat P C"),
        text("TXGL", 1, "Taxable"),
        text("FMOD", 1, "Free Form"),
        *AUDIT,
    ),
    key=("AID",),
    indexes=(("MCU", "OBJ", "SUB"), ("CO", "MCU")),
)
F0006 = Table(
    name="F0006",
    title="Business Unit Master",
    columns=(
        right("MCU", 12, "Business Unit"),
        text("STYL", 2, "BU Type"),
        text("DC", 40, "Description Compressed"),
        text("LDM", 1, "LOD"),
        zeros("CO", 5, "Co"),
        number("AN8", "Address Number"),
        text("CNTY", 3, "County"),
        text("ADDS", 3, "State"),
        text("DL01", 30, "Description"),
        text("DL02", 30, "Description 02"),
        text("DL03", 30, "Description 03"),
        text("DL04", 30, "Description 04"),
        *numbered([f"RP{one:02}" for one in range(1, 21)], 3, "Cat Code"),
        *numbered([f"RP{one:02}" for one in range(21, 31)], 10, "Cat Code"),
        text("PECC", 1, "P C"),
        text("SBLI", 1, "Inactive Subledgers"),
        text("FMOD", 1, "Free Form"),
        *AUDIT,
    ),
    key=("MCU",),
    indexes=(("CO",),),
)
F0010 = Table(
    name="F0010",
    title="Company Constants",
    columns=(
        zeros("CO", 5, "Co"),
        text("NAME", 30, "Name"),
        day("DFYJ", "Beginning Of Fiscal Year"),
        number("PNC", "Current Period"),
        text("DTPN", 1, "Date Pattern"),
        number("ARPN", "A/R Period"),
        number("APPN", "A/P Period"),
        text("CRCD", 3, "Cur Cod"),
        text("CALD", 1, "Currency Conversion"),
        *AUDIT,
    ),
    key=("CO",),
)
F0008 = Table(
    name="F0008",
    title="Date Fiscal Patterns",
    columns=(
        text("DTPN", 1, "Date Pattern"),
        day("DFYJ", "Beginning Of Fiscal Year"),
        text("FQ", 4, "Fis Qtr"),
        number("FY", "FY"),
        number("CTRY", "Ctry"),
        *(day(f"D{one:02}J", f"Period {one:02} End Date") for one in _PERIODS),
        *AUDIT,
    ),
    key=("DTPN", "DFYJ", "FQ"),
)
F0013 = Table(
    name="F0013",
    title="Currency Codes",
    columns=(
        text("CRCD", 3, "Cur Cod"),
        text("DL01", 30, "Description"),
        text("CDEC", 1, "Disp Dec"),
        *AUDIT,
    ),
    key=("CRCD",),
)
F0012 = Table(
    name="F0012",
    title="Automatic Accounting Instructions",
    columns=(
        text("ITEM", 6, "Item Number"),
        zeros("CO", 5, "Co"),
        right("MCU", 12, "Business Unit"),
        text("OBJ", 6, "Obj Acct"),
        text("SUB", 8, "Sub"),
        text("DL01", 30, "Description"),
        *AUDIT,
    ),
    key=("ITEM", "CO"),
)
F0025 = Table(
    name="F0025",
    title="Ledger Type Master File",
    columns=(
        text("LT", 2, "LT"),
        text("DL01", 30, "Description"),
        text("FLRB", 1, "Balance Required"),
        text("FCJE", 1, "Prevent Journal Entry"),
        text("FDBU", 1, "Prevent Direct Balance Update"),
        text("ULT", 2, "Units Ledger Type"),
        *AUDIT,
    ),
    key=("LT",),
)
F0004 = Table(
    name="F0004",
    title="User Defined Code Types",
    columns=(
        text("SY", 4, "Product Code"),
        text("RT", 2, "UDC"),
        text("DL01", 30, "Description"),
        number("CDL", "Code Length"),
        *AUDIT,
    ),
    key=("SY", "RT"),
)
F0005 = Table(
    name="F0005",
    title="User Defined Code Values",
    columns=(
        text("SY", 4, "Product Code"),
        text("RT", 2, "UDC"),
        right("KY", 10, "Codes"),
        text("DL01", 30, "Description 01"),
        text("DL02", 30, "Description 02"),
        text("SPHD", 10, "Special Handling"),
        *AUDIT,
    ),
    key=("SY", "RT", "KY"),
)
F0101 = Table(
    name="F0101",
    title="Address Book Master",
    columns=(
        number("AN8", "Address Number"),
        text("ALKY", 20, "Long Address Number"),
        text("TAX", 20, "Tax ID"),
        text("ALPH", 40, "Alpha Name"),
        text("AT1", 3, "Sch Typ"),
        right("MCU", 12, "Business Unit"),
        *AUDIT,
    ),
    key=("AN8",),
)
F0002 = Table(
    name="F0002",
    title="Next Numbers - Automatic",
    columns=(
        text("SY", 4, "Product Code"),
        *(number(f"NN{one:03}", f"Next Number {one:03}") for one in range(1, 11)),
    ),
    key=("SY",),
)
F0092 = Table(
    name="F0092",
    title="Library Lists - User",
    columns=(
        text("USER", 10, "User ID"),
        text("UGRP", 10, "User Group"),
        number("AN8", "Address Number"),
    ),
    key=("USER",),
)
F00926 = Table(
    name="F00926",
    title="Anonymous User Access Table",
    columns=(text("USER", 10, "User ID"), text("ROLEDESC", 60, "Role Description")),
    key=("USER",),
)
F95921 = Table(
    name="F95921",
    title="Role Relationships",
    columns=(text("FRROLE", 10, "From Role"), text("TOROLE", 10, "To Role")),
    key=("FRROLE", "TOROLE"),
)
SIGN_ON_TABLES = (F0092, F00926, F95921)
MASTER_TABLES = (F0901, F0006, F0010, F0008, F0013, F0012, F0025, F0004, F0005, F0101, F0002)
