"""Sentences for round trips through a recogniser: everyday lines and lines of a game."""

from __future__ import annotations

ENGLISH = """
Welcome back, traveller, the gates of the city close at sunset.
The quick brown fox jumps over the lazy dog.
Could you please tell me the way to the nearest station?
I have been waiting here for almost an hour, and nobody came.
The soup is too hot, so let it cool for a few minutes.
Bring me three feathers of the white bird, and I will open the door.
It rained all night, but the morning was bright and clear.
My sister plays the violin in a small orchestra.
Do not touch the red lever before the bell rings.
We walked along the river until the lights of the town were far behind us.
The old man smiled, took his hat, and left without a word.
Your order will arrive tomorrow between nine and eleven.
There are twelve apples in the basket and four on the table.
She opened the window and listened to the sound of the sea.
The dragon is asleep, but it will wake if you make a noise.
Please turn off the lights when you leave the room.
He bought a loaf of bread, some cheese, and a bottle of milk.
The train to the airport leaves every fifteen minutes.
Nobody knows who built the tower on the hill.
Thank you for your help, we could not have done it without you.
""".strip().splitlines()

CHINESE = """
欢迎回来，旅行者，城门在日落的时候关闭。
今天天气很好，我们一起去公园散步吧。
请问，最近的地铁站怎么走？
我已经在这里等了一个小时，可是没有人来。
汤太热了，先放几分钟再喝吧。
昨天晚上下了一夜的雨，今天早上天晴了。
我的妹妹在学习弹钢琴，她每天都练习。
在铃声响起之前，不要碰那个红色的按钮。
我们沿着河边一直走，直到看不见城里的灯光。
老人笑了笑，拿起帽子，什么也没说就走了。
您的包裹明天上午会送到。
桌子上有四个苹果，篮子里有十二个。
她打开窗户，听着大海的声音。
巨龙正在睡觉，你要是出声它就会醒来。
离开房间的时候，请把灯关掉。
他买了面包、牛奶和一些水果。
去机场的火车每十五分钟一班。
没有人知道山上的那座塔是谁建的。
谢谢你的帮助，没有你我们做不到。
银行的行长说，这件事情非常重要。
""".strip().splitlines()

JAPANESE = """
お帰りなさい、旅のお方。町の門は夕方に閉まります。
今日はとてもいい天気ですね。公園まで散歩しませんか。
すみません、一番近い駅はどこですか。
ここで一時間も待っていますが、誰も来ません。
スープがまだ熱いので、少し冷ましてください。
昨日の夜はずっと雨でしたが、朝には晴れました。
妹は小さな楽団でバイオリンを弾いています。
ベルが鳴るまで、赤いレバーに触らないでください。
私たちは川に沿って、町の明かりが見えなくなるまで歩きました。
おじいさんは笑って帽子を取り、何も言わずに出て行きました。
ご注文の品は、明日の午前中に届きます。
テーブルの上にりんごが四つあります。
彼女は窓を開けて、海の音を聞いていました。
ドラゴンは眠っていますが、音を立てると目を覚まします。
部屋を出る時は、電気を消してください。
彼はパンと牛乳とチーズを買いました。
空港行きの電車は十五分ごとに出ます。
あの丘の上の塔を誰が建てたのか、誰も知りません。
助けてくれてありがとう。あなたがいなければできませんでした。
明日の会議は午後三時から始まります。
""".strip().splitlines()

# Sentences with words of another language; the first is the main one.
MIXED = [
    ("zh", "我每天早上都用computer工作。"),
    ("zh", "这个周末我们去看music表演吧。"),
    ("zh", "他在hotel里住了三天。"),
    ("zh", "请给我一杯coffee，谢谢。"),
    ("ja", "明日、新しいcomputerを買いに行きます。"),
    ("ja", "駅前のhotelに泊まりました。"),
    ("ja", "この町には大きなschoolがあります。"),
    ("en", "My friend in 東京 likes to cook dinner for everybody."),
    ("en", "She said 你好 to all the children in the room."),
    ("en", "We will fly to 北京 next week to see the palace."),
]

SENTENCES = {"en": ENGLISH, "zh": CHINESE, "ja": JAPANESE}
