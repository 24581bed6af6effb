"""The judge: what is judged by control limits, as series that pages, alerts and reports read.

`hops judge` and Diamond's `StabilityControlCollector` are the same code.
"""
