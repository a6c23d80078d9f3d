"""`python -m ckptdoctor`: the command line under this interpreter."""

from ckptdoctor.cli import main

main()
