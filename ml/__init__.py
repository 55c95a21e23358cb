"""Learns from marts.feat_trader_day and writes predictions back into schema `ml`.

Baselines, one model of all traders, one of the trader's own where there is enough
history, and a blend predict a trader's next traded session: net P&L, its quantiles, and
the probability of a loss. A model is selected only while it beats the best baseline on
days that it had not seen.
"""
