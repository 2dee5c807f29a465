"""Oracle Fusion Cloud ERP: journals, periods, values and balances read over REST."""
