"""Many boards in one process, in virtual time, with faults: is every alert delivered?"""
