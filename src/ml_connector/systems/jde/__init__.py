"""JD Edwards EnterpriseOne: posted lines, balances and masters read through its AIS server."""
