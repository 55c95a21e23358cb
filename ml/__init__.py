"""Learns from marts.feat_trader_day and writes predictions back into schema `ml`.

One global model of all traders, and one of the trader's own where there is enough
history, predict a trader's next traded session: net P&L, its quantiles, and the
probability of a loss. A trader's own model speaks only where it did better than the
global one on days neither had seen.
"""
