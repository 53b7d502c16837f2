"""The components that ship with Swapbench: ordinary torch, scikit-learn and LightGBM objects.

Nothing here imports the harness, and every class can be used without it. The folders below are
namespace packages, so that folders of other people join them.
"""
