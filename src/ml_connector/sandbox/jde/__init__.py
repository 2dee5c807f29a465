"""A server that answers as the AIS server of JD Edwards EnterpriseOne does.

`server.build_jde_server` puts it together; `switches.JDE_SWITCHES` are its knobs. The tables of
`schema` hold raw values (Julian dates, scaled integers, padded texts) as the product's database
does; what leaves the server is converted on the way out, so conversions are carried out, not
assumed.
"""
